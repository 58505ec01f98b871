// The studio's server. The token came with the address; it is said with every request, and shown nowhere.

const KEPT = "mpc-studio-token";

/** Take the token out of the address, so that it stays in no history and on no screenshot. */
export function takeToken() {
  const found = /^#token=([\w-]+)$/.exec(location.hash);
  if (found) {
    sessionStorage.setItem(KEPT, found[1]);
    history.replaceState(null, "", location.pathname);
  }
  return sessionStorage.getItem(KEPT) !== null;
}

/** Why there is no answer: `kind`, what was wrong, and one thing to try. */
export class Failure extends Error {
  constructor(status, { kind, message, help, ...more }) {
    super(message);
    Object.assign(this, { status, kind, help }, more);
  }
}

export const get = (path, query = {}) => ask("GET", `${path}?${new URLSearchParams(query)}`);
export const post = (path, body, signal) => ask("POST", path, body, signal);
export const put = (path, body) => ask("PUT", path, body);

async function ask(method, path, body, signal) {
  return (await answer(method, path, body, signal)).json();
}

async function answer(method, path, body, signal) {
  let found;
  try {
    found = await fetch(path, {
      method,
      signal,
      headers: {
        Authorization: `Bearer ${sessionStorage.getItem(KEPT)}`,
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Failure(0, { kind: "gone", message: "the studio does not answer", help: "start it again: mpc studio" });
  }
  if (found.ok) return found;
  let said;
  try {
    said = (await found.json()).error;
  } catch {
    said = { kind: "internal", message: `the studio failed (${found.status}); its terminal says why` };
  }
  throw new Failure(found.status, said);
}

/** The lines of an answer that comes line by line, each as data. */
export async function* lines(path, body, signal) {
  const reader = (await answer("POST", path, body, signal)).body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  while (true) {
    const { done, value } = await reader.read();
    if (done) return;
    const found = (rest + value).split("\n");
    rest = found.pop();
    for (const line of found) {
      const data = JSON.parse(line);
      if (data.error && data.error.kind) throw new Failure(200, data.error);
      yield data;
    }
  }
}
