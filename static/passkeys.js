// Passkeys: forms with data-passkey ask the browser for one and send what it answers. Options come as JSON in a data block.
"use strict";

const bytesOf = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
const textOf = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const withIds = (list) => (list ?? []).map((entry) => ({ ...entry, id: bytesOf(entry.id) }));

const create = async (options, alone) => {
  const publicKey = {
    ...options.publicKey,
    challenge: bytesOf(options.publicKey.challenge),
    user: { ...options.publicKey.user, id: bytesOf(options.publicKey.user.id) },
    excludeCredentials: withIds(options.publicKey.excludeCredentials),
    authenticatorSelection: {
      ...options.publicKey.authenticatorSelection,
      residentKey: alone ? "required" : "discouraged",
      requireResidentKey: alone,
      ...(alone ? { userVerification: "required" } : {}),
    },
  };
  const made = await navigator.credentials.create({ publicKey });
  return {
    attestationObject: textOf(made.response.attestationObject),
    clientDataJSON: textOf(made.response.clientDataJSON),
    transports: made.response.getTransports?.() ?? [],
    made,
  };
};

const get = async (options) => {
  const publicKey = {
    ...options.publicKey,
    challenge: bytesOf(options.publicKey.challenge),
    allowCredentials: withIds(options.publicKey.allowCredentials),
  };
  const made = await navigator.credentials.get({ publicKey });
  const { authenticatorData, clientDataJSON, signature, userHandle } = made.response;
  return {
    authenticatorData: textOf(authenticatorData),
    clientDataJSON: textOf(clientDataJSON),
    signature: textOf(signature),
    userHandle: userHandle ? textOf(userHandle) : null,
    made,
  };
};

const optionsOf = async (form) => {
  if (form.dataset.options) return JSON.parse(document.getElementById(form.dataset.options).textContent);
  const answer = await fetch(form.action, { headers: { Accept: "application/json", "X-Requested-With": "XMLHttpRequest" } });
  return (await answer.json()).request_options;
};

for (const form of document.querySelectorAll("form[data-passkey]")) {
  form.addEventListener("submit", async (event) => {
    if (form.dataset.answered) return;
    event.preventDefault();
    const problem = form.querySelector("[data-passkey-error]");
    problem.hidden = true;
    try {
      const options = await optionsOf(form);
      const alone = form.elements.namedItem("passwordless")?.checked ?? false;
      const { made, ...response } = await (form.dataset.passkey === "create" ? create(options, alone) : get(options));
      form.elements.namedItem("credential").value = JSON.stringify({
        id: made.id,
        rawId: textOf(made.rawId),
        type: made.type,
        clientExtensionResults: made.getClientExtensionResults(),
        authenticatorAttachment: made.authenticatorAttachment,
        response,
      });
      form.dataset.answered = "yes";
      form.requestSubmit();
    } catch {
      problem.hidden = false; // refused, given up, or not possible at this address
    }
  });
}
