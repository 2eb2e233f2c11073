/**
 * tragt's tracker for web sites, served as /t.js. `make tracker` makes t.js of it.
 *
 *   <script async src="https://ingest.example.com/t.js" data-key="tw_..."></script>
 *
 * It tells of page views, clicks, forms, and how long and how far a page was read. Until the visitor allows it, it keeps
 * nothing on the device but that they decided, tells nothing that names a person, and knows the visitor for this one page
 * only.
 */

const script = document.currentScript || document.querySelector("script[data-key]");
const settings = script.dataset;
if (!settings.key) throw Error("tragt: data-key is missing");
const address = `${settings.host || new URL(script.src).origin}/v1/touchpoints?write_key=${settings.key}`;
const wanted = (settings.query || "").split(",");

const COOKIE = "tragt";
const VISIT = "tragt.visit";
const QUEUE = "tragt.queue";
const DECISION = "tragt.consent"; // as long as it allows nothing to be kept; the cookie holds any other
const TOKEN = "tragt";
const COOKIE_SECONDS = 34e6; // 13 months
const VISIT_MILLISECONDS = 18e5;
const IDLE_MILLISECONDS = 3e4;
const BATCH_MILLISECONDS = 300;
const MAX_SENT = 20;
const MAX_HELD = 100;

const UTM = /^utm_(source|medium|campaign|term|content|id)$/i;
const CLICK_ID =
  /^(gclid|gbraid|wbraid|dclid|msclkid|ttclid|li_fat_id|twclid|rdt_cid|epik|sccid|qclid|yclid|irclickid|irclid|fbclid|igshid|mc_cid|mc_eid|_kx)$/i;

/** Form fields that are read, by type, autocomplete, name and id; everything else is never looked at. */
const FIELDS = {
  email: /e-?mail/i,
  phone: /phone|mobile|\btel\b/i,
  first_name: /(first|given)[-_ ]?name/i,
  last_name: /(last|family|sur)[-_ ]?name/i,
  company: /company|organi[sz]ation/i,
  name: /\b(full[-_ ]?)?name\b/i,
};
const READ = /^(text|email|tel)$/;
const FORBIDDEN = /card|\bcc|cv[cv]|iban|ssn/i;

const now = Date.now;
const randomId = () => crypto.getRandomValues(new Uint32Array(4)).join("-");

/** What `work` gives; undefined where it throws: storage may be closed, an address may be none. */
const attempt = (work) => {
  try {
    return work();
  } catch {}
};

// What is known of the visitor, and what they allow.

let anonymousId = randomId();
let consent = navigator.globalPrivacyControl
  ? { profiling: "denied", marketing: "denied" }
  : settings.consent == "granted"
    ? { analytics: "granted" }
    : {};
let visit = { at: now() };
let token; // of the click that led here
let unsaid; // an identify that waits for permission

const allows = () => consent.analytics == "granted";
const joins = () => allows() && consent.profiling != "denied"; // this browser with a person
const read = (name) => attempt(() => JSON.parse(localStorage.getItem(name)));
const write = (name, value) => attempt(() => localStorage.setItem(name, JSON.stringify(value)));
const remove = (...names) => attempt(() => names.map((name) => localStorage.removeItem(name)));

/** What was decided on an earlier page, or meanwhile in another tab, holds here too. */
const recall = () => {
  consent = { ...consent, ...read(DECISION) };
};

const setCookie = (value, seconds) => {
  document.cookie =
    `${COOKIE}=${encodeURIComponent(value)}; path=/; max-age=${seconds}; samesite=lax` +
    (settings.domain ? `; domain=${settings.domain}` : "") +
    (location.protocol == "https:" ? "; secure" : "");
};

const keep = () => {
  if (allows()) {
    setCookie(JSON.stringify([anonymousId, consent]), COOKIE_SECONDS);
    write(VISIT, visit);
  }
};

/**
 * From here on things may be kept: take up what an earlier page kept, and tell again, by the same ids, what this page told
 * before it was allowed: where consent is required it was refused.
 */
const takeUp = () => {
  const kept = read(VISIT);
  if (kept && !visit.campaign) visit = kept;
  for (const item of early) item.consent = consent;
  queue.push(...new Set([...early.splice(0), ...queue.splice(sending), ...(read(QUEUE) || [])]));
  remove(QUEUE, DECISION);
  plan(BATCH_MILLISECONDS);
};

const forget = () => {
  setCookie("", 0);
  remove(VISIT, QUEUE);
  anonymousId = randomId();
  visit = { at: now() };
  token = unsaid = undefined;
  early.length = 0;
};

// Telling it: together, again until it is durable, and when the page goes.

const queue = []; // what is not known to be durable
const early = []; // what was told before anything was allowed
let sending = 0; // so many of its first are on their way
let failures = 0;
let timer;

const body = (items) =>
  JSON.stringify({ touchpoints: items.map((item) => ({ ...item, sent_at: new Date() })) });

const plan = (wait) => {
  timer ||= setTimeout(() => {
    timer = 0;
    send();
  }, wait);
};

const send = () => {
  if (sending || !queue.length) return;
  sending = Math.min(queue.length, MAX_SENT);
  fetch(address, { method: "POST", body: body(queue.slice(0, sending)), keepalive: true, credentials: "omit" })
    .catch(() => ({}))
    .then(({ status, headers }) => {
      let wait = 0;
      if (status == 429 || !(status < 500)) {
        failures = Math.min(failures + 1, 7);
        wait = Math.max((headers && headers.get("retry-after") * 1e3) || 0, 500 * 2 ** failures * (0.5 + Math.random()));
      } else {
        failures = 0;
        queue.splice(0, sending);
      }
      sending = 0;
      if (queue.length) plan(wait);
    });
};

/** The page may be gone in a moment. What a server that is away would lose is kept for the next page, if it may be. */
const leave = () => {
  tellEngagement();
  const rest = queue.slice(sending);
  if (
    rest.length &&
    navigator.onLine &&
    !(failures && allows()) &&
    attempt(() => navigator.sendBeacon(address, body(rest)))
  ) {
    queue.length = sending;
  }
  if (allows() && queue.length) write(QUEUE, queue);
};

const tell = (kind, properties, { identity, ...more } = {}) => {
  recall();
  const denied = consent.analytics == "denied";
  if (denied && kind != "consent_changed") return;
  if (now() - visit.at > VISIT_MILLISECONDS) visit = {};
  visit.at = now();
  let click;
  if (joins()) [click, token] = [token];
  const item = {
    id: randomId(),
    kind: `${kind}`.toLowerCase().replace(/\W+/g, "_"), // "Demo Requested" is how other trackers have it
    occurred_at: new Date(),
    identity: { anonymous_id: anonymousId, click, ...identity },
    consent,
    ...(!denied && {
      page: here,
      campaign: visit.campaign,
      context: {
        user_agent: navigator.userAgent,
        locale: navigator.language,
        time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
      },
      properties,
      ...more,
    }),
  };
  queue.push(item);
  if (!allows() && !early[MAX_HELD]) early.push(item);
  if (queue.length > MAX_HELD) queue.splice(sending, 1);
  keep();
  plan(BATCH_MILLISECONDS);
};

// Pages.

let here;

/** An address without what may name a person: of its parameters only campaign, click ids and those asked for. */
const clean = (text) =>
  attempt(() => {
    const url = new URL(text, location.href);
    if (!/^http/.test(url.protocol)) return url.protocol;
    for (const name of [...url.searchParams.keys()]) {
      if (!UTM.test(name) && !CLICK_ID.test(name) && !wanted.includes(name)) url.searchParams.delete(name);
    }
    return url.origin + url.pathname + url.search + (/^#[!/]/.test(url.hash) ? url.hash.split("?")[0] : "");
  });

/** The campaign in an address, undefined when there is none. */
const campaignIn = (search) => {
  let campaign;
  for (const [name, value] of new URLSearchParams(search)) {
    const [, field] = UTM.exec(name) || [];
    const said = field
      ? { [field.toLowerCase().replace("campaign", "name")]: value }
      : CLICK_ID.test(name) && { click_id: `${name.toLowerCase()}:${value}` };
    if (said && value) campaign = { ...campaign, ...said };
  }
  return campaign;
};

const view = () => {
  tellEngagement();
  const referrer = here ? here.url : document.referrer && clean(document.referrer);
  here = { url: clean(location.href), path: location.pathname, title: document.title, referrer };
  const campaign = campaignIn(location.search);
  if (campaign) visit = { at: now(), campaign };
  depth = 0;
  tell("page_viewed");
};

/** After a single-page application has moved, and has had time to set its title. */
const moved = () => setTimeout(() => here && clean(location.href) != here.url && view(), 50);

// How long and how far a page was read.

let seconds = 0;
let depth = 0;
let lastActive = now();

const tellEngagement = () => {
  if (seconds) tell("page_engaged", { seconds, scroll: depth });
  seconds = 0;
};

setInterval(() => {
  if (document.hidden || now() - lastActive > IDLE_MILLISECONDS) return;
  seconds++;
  const seen = ((scrollY + innerHeight) / document.documentElement.scrollHeight) * 100;
  depth = Math.max(depth, Math.min(100, Math.round(seen)));
}, 1e3);

for (const type of ["scroll", "pointerdown", "pointermove", "keydown"]) {
  addEventListener(type, () => (lastActive = now()), true);
}

// Clicks and forms.

addEventListener(
  "click",
  ({ target }) => {
    const found = target.closest && target.closest("a[href],button,[role=button],[data-tragt]:not(form)");
    if (!found || (!found.dataset.tragt && found.form && found.type == "submit")) return; // a form tells of itself
    const text = (found.ariaLabel || found.innerText || "").trim().slice(0, 80);
    if (!found.href) return tell(found.dataset.tragt || "button_clicked", { text });
    tell(found.dataset.tragt || "link_clicked", {
      text,
      link_url: clean(found.href),
      outbound: found.host != location.host,
    });
  },
  true,
);

const traitsOf = (form) => {
  const traits = {};
  for (const { type, name, id, autocomplete, value } of form.elements) {
    const words = `${type} ${autocomplete} ${name} ${id}`;
    if (!READ.test(type) || !value || FORBIDDEN.test(words)) continue;
    const trait = Object.keys(FIELDS).find((field) => FIELDS[field].test(words));
    if (trait && !/(\d[\s-]*){13}/.test(value)) traits[trait] ||= value.trim().slice(0, 200);
  }
  return traits;
};

addEventListener(
  "submit",
  ({ target }) => {
    // A hidden field: who is told of the form by somebody else can tell which browser sent it.
    if (joins()) attempt(() => (target.elements.tragt.value = anonymousId));
    const named = target.getAttribute("id") || target.getAttribute("name") || "";
    tell(target.dataset.tragt || "form_submitted", { form: named }, allows() ? { traits: traitsOf(target) } : {});
  },
  true,
);

// What a page can call: tragt("track", ...).

const commands = {
  track: tell,
  page: view,

  /** `identify({user_id, email, phone, account_id, external, ...traits})`; waits until it is allowed. */
  identify(person) {
    unsaid = !allows() && person;
    if (unsaid) return;
    const { user_id, account_id, external, ...traits } = person;
    tell("identified", undefined, { identity: { user_id, account_id, external }, traits });
  },

  /** `consent({analytics: true, marketing: false})`, or in words: granted, denied. */
  consent(said) {
    recall();
    const before = JSON.stringify(consent);
    const allowed = allows();
    for (const purpose in said) {
      consent = { ...consent, [purpose]: { true: "granted", false: "denied" }[said[purpose]] || said[purpose] };
    }
    if (JSON.stringify(consent) == before) return;
    if (allows() && !allowed) takeUp();
    const denied = consent.analytics == "denied";
    if (denied) queue.length = sending;
    if (allowed || allows()) tell("consent_changed"); // else nobody is known yet who could take anything back
    if (denied) forget();
    if (!allows()) write(DECISION, consent);
    if (unsaid) commands.identify(unsaid);
  },
};

const run = (command, ...given) => attempt(() => commands[command](...given));
const waiting = (window.tragt && window.tragt.q) || [];
window.tragt = run;

// Begin.

const shown = new URL(location);
token = shown.searchParams.get(TOKEN);
if (token) {
  shown.searchParams.delete(TOKEN); // whoever is sent this address from here on is somebody else
  history.replaceState(history.state, "", shown);
}

attempt(() => {
  [anonymousId, consent] = JSON.parse(decodeURIComponent(/(^|; )tragt=([^;]+)/.exec(document.cookie)[2]));
});
recall();
if (allows()) takeUp();

const pushState = history.pushState;
history.pushState = function (...given) {
  pushState.apply(this, given);
  moved();
};
addEventListener("popstate", moved);
addEventListener("pageshow", (event) => event.persisted && view());
addEventListener("pagehide", leave);
document.addEventListener("visibilitychange", () => document.hidden && leave());

if (document.prerendering) document.addEventListener("prerenderingchange", view);
else view();
for (const given of waiting) run(...given);
