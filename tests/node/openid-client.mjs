// npm openid-client, used as its examples use it; a server without OpenID Connect is one of its cases.
import * as client from 'openid-client';
import { exportJWK, generateKeyPair, importJWK } from 'jose';
import { answer, person, refusal, reply, settled } from './talk.mjs';

const plain = { algorithm: 'oauth2', execute: [client.allowInsecureRequests] };

async function known({ issuer, client: own }) {
  const methods = {
    client_secret_basic: () => client.ClientSecretBasic(own.secret),
    client_secret_post: () => client.ClientSecretPost(own.secret),
    private_key_jwt: async () => client.PrivateKeyJwt({ key: await importJWK(own.key, 'ES256'), kid: own.key.kid }),
    none: () => client.None(),
  };
  return client.discovery(new URL(issuer), own.id, undefined, await methods[own.method](), plain);
}

const proof = async (config, asked) => (asked.dpop ? { DPoP: client.getDPoPHandle(config, await client.randomDPoPKeyPair()) } : {});

async function read(config, token, asked, options) {
  return reply(await client.fetchProtectedResource(config, token.access_token, new URL(asked.records), 'GET', null, undefined, options));
}

async function discover(asked) {
  return { server: (await known(asked)).serverMetadata() };
}

async function alone(asked) {
  const config = await known(asked);
  const options = await proof(config, asked);
  const token = await client.clientCredentialsGrant(config, asked.parameters, options);
  return { token, read: await read(config, token, asked, options) };
}

async function consented(asked) {
  const config = await known(asked);
  const options = await proof(config, asked);
  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  const expectedState = client.randomState();
  const parameters = {
    redirect_uri: asked.redirect_uri, state: expectedState, ...asked.parameters,
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier), code_challenge_method: 'S256',
  };
  const url = asked.par
    ? await client.buildAuthorizationUrlWithPAR(config, parameters, options)
    : client.buildAuthorizationUrl(config, parameters);
  const back = await person(url);
  const token = await client.authorizationCodeGrant(config, back, { pkceCodeVerifier, expectedState }, undefined, options);
  const first = await read(config, token, asked, options);
  const refreshed = await client.refreshTokenGrant(config, token.refresh_token, undefined, options);
  const second = await read(config, refreshed, asked, options);
  const reused = await refusal(client.refreshTokenGrant(config, token.refresh_token, undefined, options));
  return { token, read: first, refreshed, readAgain: second, reused };
}

async function returned(asked) {
  const config = await known(asked);
  const { token } = await alone(asked);
  const before = await client.tokenIntrospection(config, token.access_token);
  await client.tokenRevocation(config, token.access_token);
  return { token, before, after: await settled(() => client.tokenIntrospection(config, token.access_token)) };
}

// A program that registers itself (RFC 7591) with a key of its own, and reads.
async function registered(asked) {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  const metadata = { ...asked.metadata, jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: 'own' }] } };
  const auth = client.PrivateKeyJwt({ key: privateKey, kid: 'own' });
  const config = await client.dynamicClientRegistration(new URL(asked.issuer), metadata, auth, { ...plain, initialAccessToken: asked.initial });
  const token = await client.clientCredentialsGrant(config, asked.parameters);
  return { client: config.clientMetadata(), token, read: await read(config, token, asked) };
}

await answer({ discover, alone, consented, returned, registered });
