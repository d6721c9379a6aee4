// Files of a static site, and the proof that one is what was promised.

/** A file of the site. */
export async function fetched(url) {
  try {
    return await fetch(url);
  } catch {
    throw new Error(`${new URL(url).pathname.split("/").pop()} can't be loaded: there is no network, and it was not needed before.`);
  }
}

/** The bytes of a file whose SHA-256 is as promised; `more` hears how many have come. */
export async function verified(url, sha256, more = () => {}) {
  if (!crypto.subtle) throw new Error("This page must come over https, or from localhost: else it can't verify its files.");
  const answer = await fetched(url);
  if (!answer.ok) throw new Error(`${url} is not there (${answer.status}).`);
  const reader = answer.body.getReader();
  const parts = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    more(value.length);
  }
  const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
  const hash = [...new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))].map((x) => x.toString(16).padStart(2, "0")).join("");
  if (hash !== sha256) throw new Error(`${new URL(url).pathname.split("/").pop()} is not the file that was promised: its SHA-256 is ${hash.slice(0, 12)}….`);
  return bytes;
}
