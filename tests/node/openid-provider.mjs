// An OpenID provider of an institution: npm oidc-provider over https, with its own sign-in pages and in-memory store.
// PEOPLE maps the name that a person types there to the claims that the institution has of them.
import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { Provider } from "oidc-provider";

const { PORT, PEM, REDIRECT_URI, CLIENT_ID, CLIENT_SECRET, PEOPLE } = process.env;
const people = JSON.parse(PEOPLE);
const key = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "jwk" });

const provider = new Provider(`https://localhost:${PORT}`, {
  clients: [
    {
      client_id: CLIENT_ID,
      client_secret: CLIENT_SECRET,
      redirect_uris: [REDIRECT_URI],
      id_token_signed_response_alg: "ES256",
      token_endpoint_auth_method: "client_secret_basic",
    },
  ],
  jwks: { keys: [{ ...key, alg: "ES256", use: "sig", kid: "institution" }] },
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
  cookies: { keys: ["a key of the test's own"] },
  findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id, ...people[id] }) }),
  pkce: { required: () => true },
});

const pem = readFileSync(PEM);
createServer({ key: pem, cert: pem }, provider.callback()).listen(Number(PORT), "127.0.0.1", () => console.log("listening"));
