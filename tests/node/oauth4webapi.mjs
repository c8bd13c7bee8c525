// npm oauth4webapi, used as its examples use it.
import * as oauth from 'oauth4webapi';
import { exportJWK, importJWK } from 'jose';
import { answer, person, refusal, reply, settled } from './talk.mjs';

const plain = { [oauth.allowInsecureRequests]: true };

async function known({ issuer, client }) {
  const as = await server(issuer);
  const methods = {
    client_secret_basic: () => oauth.ClientSecretBasic(client.secret),
    client_secret_post: () => oauth.ClientSecretPost(client.secret),
    private_key_jwt: async () => oauth.PrivateKeyJwt({ key: await importJWK(client.key, 'ES256'), kid: client.key.kid }),
    none: () => oauth.None(),
  };
  return [as, { client_id: client.id }, await methods[client.method]()];
}

async function server(issuer) {
  const url = new URL(issuer);
  return oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, { algorithm: 'oauth2', ...plain }));
}

// A request that is sent once more where the server wants a nonce in the proof (RFC 9449 section 8).
async function twice(request, process) {
  try {
    return await process(await request());
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error;
    return process(await request());
  }
}

const proof = async (client, asked) => (asked.dpop ? { DPoP: oauth.DPoP(client, await oauth.generateKeyPair('ES256')) } : {});

const read = (token, asked, options) =>
  twice(() => oauth.protectedResourceRequest(token.access_token, 'GET', new URL(asked.records), undefined, null, options), reply);

async function discover({ issuer, resource }) {
  const url = new URL(resource);
  return { server: await server(issuer), resource: await oauth.processResourceDiscoveryResponse(url, await oauth.resourceDiscoveryRequest(url, plain)) };
}

async function alone(asked) {
  const [as, client, auth] = await known(asked);
  const options = { ...plain, ...(await proof(client, asked)) };
  const token = await twice(
    () => oauth.clientCredentialsGrantRequest(as, client, auth, asked.parameters, options),
    (response) => oauth.processClientCredentialsResponse(as, client, response),
  );
  return { token, read: await read(token, asked, options) };
}

async function consented(asked) {
  const [as, client, auth] = await known(asked);
  const options = { ...plain, ...(await proof(client, asked)) };
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  let parameters = {
    client_id: client.client_id, response_type: 'code', redirect_uri: asked.redirect_uri, state, ...asked.parameters,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
  };
  if (asked.par) {
    const pushed = await twice(
      () => oauth.pushedAuthorizationRequest(as, client, auth, parameters, options),
      (response) => oauth.processPushedAuthorizationResponse(as, client, response),
    );
    parameters = { client_id: client.client_id, request_uri: pushed.request_uri };
  }
  const callback = oauth.validateAuthResponse(as, client, await person(`${as.authorization_endpoint}?${new URLSearchParams(parameters)}`), state);
  const token = await twice(
    () => oauth.authorizationCodeGrantRequest(as, client, auth, callback, asked.redirect_uri, verifier, options),
    (response) => oauth.processAuthorizationCodeResponse(as, client, response),
  );
  const again = (old) => twice(
    () => oauth.refreshTokenGrantRequest(as, client, auth, old.refresh_token, options),
    (response) => oauth.processRefreshTokenResponse(as, client, response),
  );
  const first = await read(token, asked, options);
  const refreshed = await again(token);
  const second = await read(refreshed, asked, options);
  return { token, read: first, refreshed, readAgain: second, reused: await refusal(again(token)) };
}

async function returned(asked) {
  const [as, client, auth] = await known(asked);
  const ask = async (token) =>
    oauth.processIntrospectionResponse(as, client, await oauth.introspectionRequest(as, client, auth, token, plain));
  const { token } = await alone(asked);
  const before = await ask(token.access_token);
  await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, auth, token.access_token, plain));
  return { token, before, after: await settled(() => ask(token.access_token)) };
}

// A program that registers itself (RFC 7591) with a key of its own, and reads.
async function registered(asked) {
  const as = await server(asked.issuer);
  const { publicKey, privateKey } = await oauth.generateKeyPair('ES256', { extractable: true });
  const metadata = { ...asked.metadata, jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: 'own' }] } };
  const response = await oauth.dynamicClientRegistrationRequest(as, metadata, { ...plain, initialAccessToken: asked.initial });
  const client = await oauth.processDynamicClientRegistrationResponse(response);
  const key = { ...(await exportJWK(privateKey)), kid: 'own' };
  return { client, ...(await alone({ ...asked, client: { id: client.client_id, method: 'private_key_jwt', key } })) };
}

// The other side: a resource server that trusts what this library verifies (RFC 9068 section 4).
async function verify(asked) {
  const request = new Request(asked.records, { headers: { authorization: `Bearer ${asked.token}` } });
  return oauth.validateJwtAccessToken(await server(asked.issuer), request, asked.resource, plain);
}

await answer({ discover, alone, consented, returned, registered, verify });
