/* <script async src="//HOST/static/pixel.js" data-key="KEY"></script>
   Before it has loaded: (window.cdp = window.cdp || []).push(["track", "Signed up"])
   data-consent="required": nothing before cdp.consent(true). */
(() => {
  const nav = navigator, doc = document, script = doc.currentScript, early = window.cdp || [];
  if (!script || early.track) return;
  const { key, consent, domain } = script.dataset;
  const url = new URL("/p/" + key, script.src).href;
  const refused = nav.globalPrivacyControl || nav.doNotTrack === "1";
  let device = (doc.cookie.match(/(?:^|; )_cdp=(\w+)/) || [])[1];
  // An id is a yes, remembered.
  let allowed = !refused && device !== "no" && !!(device || consent !== "required");
  let waiting = [], here, from = doc.referrer;

  const hex = (byte) => byte.toString(16).padStart(2, 0);
  const uuid = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), hex).join("");
  const known = () => (device && device !== "no" ? device : uuid());
  const keep = (value, seconds = 31536e3) => {
    device = value;
    doc.cookie = `_cdp=${value}; Max-Age=${seconds}; Path=/; SameSite=Lax` +
      (domain ? "; Domain=" + domain : "") + (location.protocol === "https:" ? "; Secure" : "");
  };

  const post = (hit) => {
    const body = JSON.stringify({ device, ...hit });
    // Text needs no preflight; keepalive outlives the page.
    fetch(url, { method: "POST", body, keepalive: true, credentials: "omit" }).catch(() => nav.sendBeacon(url, body));
  };

  const send = (kind, name, properties, identifiers) => {
    const hit = { kind, name, url: location.href, title: doc.title, referrer: from, properties, identifiers };
    if (allowed) post(hit);
    else if (!refused && waiting.length < 50) waiting.push(hit);
  };

  const path = () => location.href.split("#")[0];
  const page = () => {
    if (here) from = here;
    here = path();
    send("page");
  };

  // A new address is a view, once its title is set.
  const moved = () => setTimeout(() => here !== path() && page());

  const api = window.cdp = {
    page,
    track: (name, properties) => send("track", name, properties),
    identify: (names) => send("identify", null, null, names),
    order: (properties, names) => send("order", null, properties, names),
    reset: () => allowed && keep(uuid()),
    consent: (yes) => {
      allowed = yes && !refused;
      if (allowed) keep(known()), waiting.forEach(post);
      else consent === "required" ? keep("", 0) : keep("no");
      waiting = [];
    },
    push: ([name, ...rest]) => api[name] && api[name](...rest),
  };

  if (allowed) keep(known());
  history.pushState = new Proxy(history.pushState, { apply: (f, self, args) => (f.apply(self, args), moved()) });
  addEventListener("popstate", moved);
  addEventListener("pageshow", (e) => e.persisted && page());
  if (doc.prerendering) doc.addEventListener("prerenderingchange", page, { once: true });
  else page();
  if (early.forEach) early.forEach(api.push);
})();
