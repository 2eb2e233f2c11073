// The little of the document that the modules share. Text only ever becomes text, never markup.

export const find = (id) => document.getElementById(id);

/** An element with attributes (functions become listeners, null and false are left out) and children. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name, value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Set custom properties through the object model, which the content policy allows (a style attribute it does not). */
export function styled(element, properties) {
  for (const [name, value] of Object.entries(properties)) element.style.setProperty(name, value);
  return element;
}

/** Replace the children of `element`; whoever had the focus in it (by `data-key`) has it again afterwards. */
export function redraw(element, ...children) {
  const key = element.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  element.replaceChildren(...children);
  if (key) focusOn(key);
}

/** Give the focus to the element with this `data-key`, if it is there. */
export function focusOn(key) {
  document.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
}
