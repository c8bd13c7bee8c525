// How a test talks to a client here: one JSON object a line. The test asks {do, ...}; the client answers {result} or {failed},
// and in between may send a person somewhere with {open} and be told {back}, the address that the person came back to.
import { createInterface } from 'node:readline';

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const say = (message) => process.stdout.write(JSON.stringify(message) + '\n');

export async function person(url) {
  say({ open: String(url) });
  return new URL(JSON.parse((await lines.next()).value).back);
}

export async function answer(acts) {
  for (let line = await lines.next(); !line.done; line = await lines.next()) {
    const asked = JSON.parse(line.value);
    try {
      say({ result: await acts[asked.do](asked) });
    } catch (error) {
      say({ failed: { name: error.name, error: error.error, code: error.code, message: error.message, cause: String(error.cause) } });
    }
  }
}

// What a refusal said, where one is expected.
export async function refusal(promise) {
  try {
    await promise;
  } catch (error) {
    return error.error ?? error.code ?? error.message;
  }
  return null;
}

export const reply = async (response) => ({ status: response.status, body: await response.json() });

// What is said of a token that was given back: every process knows it within two seconds.
export async function settled(ask) {
  const until = Date.now() + 2000;
  let said = await ask();
  while (said.active && Date.now() < until) said = await ask();
  return said;
}
