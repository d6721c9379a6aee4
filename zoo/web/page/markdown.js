// A card's Markdown as elements. Cards may be untrusted: nothing becomes markup, links lead to https only, and the one
// picture that is shown is the model's own.

import { h } from "./dom.js";

const INLINE = /(`+)(.+?)\1|!\[([^\]]*)\]\(([^)\s]*)\)|\[([^\]]+)\]\(([^)\s]+)\)|\*\*(.+?)\*\*|\*(.+?)\*|<(https:\/\/[^\s<>]+)>/g;

function link(href, children) {
  let url;
  try {
    url = new URL(href);
  } catch {
    return h("span", {}, children);
  }
  return url.protocol === "https:" ? h("a", { href: url.href, target: "_blank", rel: "noopener noreferrer" }, children) : h("span", {}, children);
}

function inline(text, own, depth = 0) {
  const out = [];
  let end = 0;
  for (const match of depth > 4 ? [] : text.matchAll(INLINE)) {
    const [all, , code, alt, source, words, href, strong, soft, bare] = match;
    out.push(text.slice(end, match.index));
    end = match.index + all.length;
    if (code !== undefined) out.push(h("code", {}, code));
    else if (source !== undefined) out.push(picture(alt, source, own));
    else if (href !== undefined) out.push(link(href, inline(words, own, depth + 1)));
    else if (strong !== undefined) out.push(h("strong", {}, inline(strong, own, depth + 1)));
    else if (soft !== undefined) out.push(h("em", {}, inline(soft, own, depth + 1)));
    else out.push(link(bare, bare));
  }
  return [...out, text.slice(end)];
}

function picture(alt, source, own) {
  if (!own || source !== own[0]) return alt;
  const image = h("img", { alt });
  own[1]().then((url) => (image.src = url), () => image.remove());
  return image;
}

const cells = (row) => row.replace(/^\s*\||\|\s*$/g, "").split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));

function table(lines, own) {
  const [head, , ...body] = lines.map(cells);
  const row = (tag, values) => h("tr", {}, values.map((value) => h(tag, {}, inline(value, own))));
  const empty = head.every((value) => !value);
  return h("div", { class: "scroll", tabIndex: 0 }, h("table", {}, empty ? null : h("thead", {}, row("th", head)), h("tbody", {}, body.map((values) => row("td", values)))));
}

/** The elements of a card; `own` is the name of the one picture it may show, and how to get its address. */
export function markdown(text, own = null) {
  const lines = text.replaceAll("\r\n", "\n").split("\n");
  const out = [];
  let at = 0;
  const take = (test) => {
    const from = at;
    while (at < lines.length && test(lines[at])) at++;
    return lines.slice(from, at);
  };
  while (at < lines.length) {
    const line = lines[at];
    const heading = /^(#{1,5})\s+(.*)$/.exec(line);
    if (/^```/.test(line)) {
      at++;
      const code = take((one) => !/^```/.test(one));
      at++;
      out.push(h("pre", { tabIndex: 0 }, h("code", {}, code.join("\n"))));
    } else if (heading) {
      at++;
      out.push(h(`h${Math.min(heading[1].length + 1, 6)}`, {}, inline(heading[2], own)));
    } else if (/^\s*\|/.test(line)) {
      out.push(table(take((one) => /^\s*\|/.test(one)), own));
    } else if (/^\s*([-*]|\d+\.)\s/.test(line)) {
      const items = take((one) => /^\s*([-*]|\d+\.)\s|^\s+\S/.test(one));
      const joined = items.reduce((list, one) => (/^\s*([-*]|\d+\.)\s/.test(one) ? [...list, one.replace(/^\s*([-*]|\d+\.)\s/, "")] : [...list.slice(0, -1), `${list.at(-1)} ${one.trim()}`]), []);
      out.push(h(/^\s*\d/.test(line) ? "ol" : "ul", {}, joined.map((one) => h("li", {}, inline(one, own)))));
    } else if (!line.trim()) {
      at++;
    } else {
      const words = take((one) => one.trim() && !/^(#{1,5}\s|```|\s*\||\s*[-*]\s)/.test(one));
      if (!words.length) words.push(lines[at++]);
      out.push(h("p", {}, inline(words.join(" "), own)));
    }
  }
  return out;
}
