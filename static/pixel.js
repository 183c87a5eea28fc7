/* <script async src="//HOST/static/pixel.js" data-key="KEY"></script>
   Before it has loaded: (window.cdp = window.cdp || []).push(["track", "Signed up"])
   data-consent="required": nothing before cdp.consent(true). data-forms: e-mail and phone fields of sent forms identify.
   A hit is sent until it is acknowledged, across pages; the server stores it once, by its id. */
(() => {
  const nav = navigator, doc = document, script = doc.currentScript, early = window.cdp || [];
  if (!script || early.track) return;
  const { key, consent, domain, forms } = script.dataset;
  const url = new URL("/p/" + key, script.src).href;
  const refused = nav.globalPrivacyControl || nav.doNotTrack === "1";
  let device = (doc.cookie.match(/(?:^|; )_cdp=(\w+)/) || [])[1];
  // An id is a yes, remembered.
  let allowed = !refused && device !== "no" && !!(device || consent !== "required");
  let waiting = [], queue = [], busy, tries = 0, timer, here, view, from = doc.referrer, since = 0;

  const hex = (number, digits) => number.toString(16).padStart(digits, 0);
  const uuid = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => hex(byte, 2)).join("");
  const known = () => (device && device !== "no" ? device : uuid());
  const keep = (value, seconds = 31536e3) => {
    device = value;
    doc.cookie = `_cdp=${value}; Max-Age=${seconds}; Path=/; SameSite=Lax` +
      (domain ? "; Domain=" + domain : "") + (location.protocol === "https:" ? "; Secure" : "");
  };

  // An entry of the storage for each hit: several pages at once never write the same one.
  const stored = (work) => {
    try {
      return work(localStorage);
    } catch {
      return []; // there is no storage: the queue of this page has to do
    }
  };
  const mark = "_cdp." + key + ".";
  const left = () => stored((box) => Object.keys(box).filter((name) => name.startsWith(mark)).sort());
  const forget = (id) => stored((box) => box.removeItem(mark + id));

  const clear = () => {
    queue = [];
    left().forEach((name) => stored((box) => box.removeItem(name)));
  };

  const add = (hit) => {
    hit.device = device;
    queue.push(hit);
    if (queue.length > 999) forget(queue.shift().id);
    stored((box) => box.setItem(mark + hit.id, JSON.stringify(hit)));
    soon(0);
  };

  const soon = (wait) => {
    clearTimeout(timer);
    timer = setTimeout(flush, wait);
  };

  // The oldest hits in one body. One request at a time keeps their order; a page that is left does not wait for it.
  const flush = (leaving) => {
    if (busy && leaving !== true) return;
    const now = Date.now(), batch = [];
    let body = "";
    queue = queue.filter(({ id, made }) => now - made < 864e5 || (forget(id), 0));
    for (const { made, sent, ...hit } of queue) {
      const piece = JSON.stringify({ ...hit, age: Math.max(0, now - made) });
      if (batch.length > 49 || (body && body.length + piece.length > 2e4)) break;
      if (sent) continue;
      body += (body && ",") + piece;
      batch.push(hit.id);
    }
    if (!body) return;
    const mine = ({ id }) => batch.includes(id);
    const set = (sent) => queue.filter(mine).forEach((hit) => (hit.sent = sent));
    const again = () => {
      set();
      soon(Math.min(6e4, 1e3 * 2 ** tries++) * (0.5 + Math.random() / 2));
    };
    body = `[${body}]`;
    if (leaving === true && !("keepalive" in Request.prototype)) return nav.sendBeacon(url, body);
    set(1);
    busy = batch;
    // Text needs no preflight; keepalive outlives the page.
    const signal = AbortSignal.timeout?.(3e4);
    fetch(url, { method: "POST", body, signal, keepalive: true, credentials: "omit" }).then(({ status }) => {
      if (status === 429 || status > 499) return again();
      tries = 0;
      queue = queue.filter((hit) => !mine(hit));
      batch.forEach(forget);
      soon(0);
    }, again).finally(() => busy === batch && (busy = 0));
  };

  const send = (kind, name, properties, identifiers, more) => {
    const made = Date.now(), id = hex(made, 12) + uuid().slice(12);
    const hit = { id, made, kind, name, url: location.href, title: doc.title, referrer: from, properties, identifiers, ...more };
    if (allowed) add(hit);
    else if (!refused && waiting.length < 50) waiting.push(hit);
  };

  // How long a page is visible, sent when it is hidden or left.
  const look = () => {
    since = doc.hidden ? 0 : performance.now();
  };
  const leave = () => {
    const seconds = since && Math.round((performance.now() - since) / 1e3);
    since = 0;
    if (seconds) send("time", undefined, { seconds }, undefined, view);
  };
  const hide = () => {
    leave();
    flush(true);
  };

  const path = () => location.href.split("#")[0];
  const page = () => {
    leave();
    if (here) from = here;
    here = path();
    view = { url: location.href, title: doc.title, referrer: from };
    look();
    send("page");
  };

  // A new address is a view, once its title is set.
  const moved = () => setTimeout(() => here !== path() && page());

  const api = window.cdp = {
    page,
    track: (name, properties) => send("track", name, properties),
    identify: (names, signature) => send("identify", undefined, undefined, names, { signature }),
    order: (properties, names) => send("order", undefined, properties, names),
    reset: () => allowed && keep(uuid()),
    consent: (yes) => {
      if (refused) return;
      allowed = yes;
      if (yes) keep(known()), waiting.forEach(add);
      else {
        consent === "required" ? keep("", 0) : keep("no");
        clear();
      }
      waiting = [];
    },
    push: ([name, ...rest]) => api[name] && api[name](...rest),
  };

  // Somebody looks whether the pixel works: tell the state, and nothing of the visitor.
  if (location.hash === "#cdp-check") {
    const state = refused ? "opted_out" : allowed ? "works" : device === "no" ? "refused" : "waiting";
    fetch(url, { method: "POST", body: JSON.stringify({ kind: "check", state }), credentials: "omit" }).catch(() => {});
  }
  // An id from before the browser asked not to be tracked.
  if (refused && device) keep("", 0), clear();
  if (allowed) {
    keep(known());
    queue = left().map((name) => stored((box) => JSON.parse(box[name]))).filter((hit) => hit.id);
  }
  history.pushState = new Proxy(history.pushState, { apply: (f, self, args) => (f.apply(self, args), moved()) });
  addEventListener("popstate", moved);
  addEventListener("pageshow", (e) => e.persisted && page());
  addEventListener("pagehide", hide);
  addEventListener("online", () => soon(0));
  doc.addEventListener("visibilitychange", () => (doc.hidden ? hide() : look()));
  if (forms !== undefined) doc.addEventListener("submit", ({ target }) => {
    const of = (type) => (Array.from(target.elements).find((e) => e.type === type && e.value) || {}).value;
    const email = of("email"), phone = of("tel");
    if (email || phone) api.identify({ email, phone });
  }, true);
  if (doc.prerendering) doc.addEventListener("prerenderingchange", page, { once: true });
  else page();
  if (early.forEach) early.forEach(api.push);
})();
