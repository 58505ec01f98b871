// What the page knows: the files, the function that is looked at, what has been typed and not been saved.

import { get, post } from "./api.js";

export const state = {
  files: [], // {file, functions: [{name, kind, line}], errors}
  file: null,
  name: null,
  view: "try",
  drafts: new Map(), // file -> text, where it is not what is on disk
  saved: new Map(), // file -> {text, version}
  arguments: new Map(), // file + function -> what was last typed
  answers: new Map(), // file + function -> what was last answered
};

export const key = () => `${state.file}\0${state.name}`;

export const drafts = () => Object.fromEntries(state.drafts);

/** A request's body about the function that is looked at. */
export const about = (more = {}) => ({ file: state.file, function: state.name, drafts: drafts(), ...more });

export async function loadFiles() {
  const found = await get("/api/files");
  state.files = found.files;
  return found;
}

/** The descriptions of a file's functions, by its text as it is now. */
export async function describe(file) {
  return (await post("/api/functions", { file, drafts: drafts() })).functions;
}

/** A file as it is on disk; one that is being edited, as it was when that began. */
export async function load(file) {
  if (!state.drafts.has(file) || !state.saved.has(file)) state.saved.set(file, await get("/api/file", { file }));
  return state.saved.get(file);
}

/** Let the form have these arguments, without the answer that was given to others. */
export function retry(values) {
  state.arguments.set(key(), values);
  state.answers.delete(key());
}

const place = (file) => `mpc-studio-draft:${file}`;

/** Keep what has been typed: it survives a reload, and every request sees it. */
export function edit(file, text) {
  if (text === state.saved.get(file)?.text) {
    state.drafts.delete(file);
    sessionStorage.removeItem(place(file));
  } else {
    state.drafts.set(file, text);
    sessionStorage.setItem(place(file), text);
  }
}

/** Take up what had been typed before a reload. */
export function recall() {
  for (const { file } of state.files) {
    const text = sessionStorage.getItem(place(file));
    if (text !== null) state.drafts.set(file, text);
  }
}
