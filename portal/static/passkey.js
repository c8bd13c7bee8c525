// <form data-passkey="create|get" data-options="{…}">: asks the browser for a passkey and sends its answer in the field `credential`.
(() => {
  "use strict";
  if (!window.PublicKeyCredential) return;
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (each) => each.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

  const asked = (told) => {
    const options = { ...told, challenge: bytes(told.challenge) };
    if (told.user) options.user = { ...told.user, id: bytes(told.user.id) };
    for (const list of ["excludeCredentials", "allowCredentials"]) {
      if (told[list]) options[list] = told[list].map((each) => ({ ...each, id: bytes(each.id) }));
    }
    return options;
  };

  const answer = (made) => {
    const response = {};
    for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (made.response[name]) response[name] = text(made.response[name]);
    }
    return JSON.stringify({ id: made.id, rawId: text(made.rawId), type: made.type, response, clientExtensionResults: {} });
  };

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    const problem = form.querySelector("[data-problem]");
    form.hidden = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      problem.hidden = true;
      try {
        const options = { publicKey: asked(JSON.parse(form.dataset.options)) };
        const kind = form.dataset.passkey;
        const made = kind === "create" ? await navigator.credentials.create(options) : await navigator.credentials.get(options);
        form.elements.credential.value = answer(made);
        form.submit();
      } catch {
        problem.hidden = false;
      }
    });
  }
})();
