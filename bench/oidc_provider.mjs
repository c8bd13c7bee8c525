// The peer of `bench/oauth.py`: npm oidc-provider with its in-memory store and one client; JWT (ES256) tokens for the resource
// `jwt`, opaque ones, which alone it can introspect, for the resource `opaque`. It writes no ledger and has no limits.
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { pathToFileURL } from "node:url";

const { PACKAGES, PORT, CLIENT_ID, CLIENT_SECRET } = process.env;
const { Provider } = await import(pathToFileURL(`${PACKAGES}/node_modules/oidc-provider/lib/index.js`));

const key = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "jwk" });
const resource = (format) => ({ scope: "records:read", audience: "api", accessTokenTTL: 600, accessTokenFormat: format, jwt: { sign: { alg: "ES256" } } });

const provider = new Provider(`http://127.0.0.1:${PORT}`, {
  clients: [
    {
      client_id: CLIENT_ID,
      client_secret: CLIENT_SECRET,
      grant_types: ["client_credentials"],
      redirect_uris: [],
      response_types: [],
      token_endpoint_auth_method: "client_secret_basic",
      id_token_signed_response_alg: "ES256",
    },
  ],
  jwks: { keys: [{ ...key, alg: "ES256", use: "sig", kid: "bench" }] },
  scopes: ["records:read"],
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_context, name) => resource(name === "urn:bench:jwt" ? "jwt" : "opaque"),
    },
  },
});

createServer(provider.callback()).listen(Number(PORT), "127.0.0.1");
