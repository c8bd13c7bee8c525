// npm web-bot-auth, used as its examples use it: it signs what a test asks for, in the form that it gives by itself.
import { signatureHeaders } from 'web-bot-auth';
import { signerFromJWK } from 'web-bot-auth/crypto';
import { answer } from './talk.mjs';

await answer({
  async sign({ key, url, agent, components, created, seconds }) {
    const request = new Request(url, agent ? { headers: { 'Signature-Agent': agent } } : {});
    const from = new Date(created * 1000);
    const options = { created: from, expires: new Date(from.getTime() + seconds * 1000), ...(components ? { components } : {}) };
    const made = await signatureHeaders(request, await signerFromJWK(key), options);
    return { signature: made['Signature'], input: made['Signature-Input'] };
  },
});
