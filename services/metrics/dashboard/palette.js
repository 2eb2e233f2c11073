// One colour per channel, the same everywhere and always. Chosen to stay apart for readers who confuse red and green.

const colours = {
  web: "#4c78d8",
  search: "#17a398",
  ads: "#f08c2e",
  social: "#b660cd",
  email: "#e3b505",
  referral: "#2f9e44",
  webinar: "#7c6cf0",
  event: "#e5484d",
  chat: "#3db2e5",
  phone: "#9a6b4f",
  meeting: "#7a9a5b",
  sales: "#c2557a",
  offline: "#8595a6",
  immersive: "#ef7fb1",
};

export const all = "#0f766e";

export const colourOf = (channel) => colours[channel] ?? "#8595a6";
