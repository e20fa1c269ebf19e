// <input type="file" data-uploads> in a data-upload-box: previews, descriptions, removal, checks, progress.
import { each, words } from "./words.js";

each("input[data-uploads]", (input) => {
  const box = input.closest("[data-upload-box]") ?? input.parentElement;
  const list = make("div", "uploads");
  const faults = make("ul", "field-errors");
  faults.setAttribute("role", "alert");
  box.append(faults, list);
  let chosen = [];

  const keep = () => {
    const transfer = new DataTransfer();
    for (const item of chosen) transfer.items.add(item.file);
    input.files = transfer.files;
  };

  input.addEventListener("change", () => {
    const { good, problems } = check(input, input.multiple ? chosen.length : 0);
    faults.replaceChildren(...problems.map((text) => make("li", "", text)));
    if (!input.multiple) clear();
    for (const file of good) {
      const item = { file, view: preview(file, input) };
      item.view.querySelector("button").addEventListener("click", () => {
        chosen = chosen.filter((other) => other !== item);
        item.view.remove();
        keep();
        input.focus();
      });
      chosen.push(item);
      list.append(item.view);
    }
    keep();
  });

  const clear = () => {
    chosen = [];
    list.replaceChildren();
  };
  input.form?.addEventListener("reset", () => {
    clear();
    faults.replaceChildren();
  });
});

function check(input, already) {
  const limit = Number(input.dataset.maxBytes) || Infinity;
  const places = (input.multiple ? Number(input.dataset.maxFiles) || 9 : 1) - already;
  const kinds = input.accept.split(",").map((kind) => kind.trim()).filter(Boolean);
  const problems = [];
  const good = [];
  for (const file of input.files) {
    if (kinds.length && !kinds.some((kind) => fits(file, kind))) problems.push(words("wrongType", { name: file.name }));
    else if (file.size > limit) {
      problems.push(words("fileTooLarge", { name: file.name, limit: Math.floor(limit / 1048576) }));
    } else good.push(file);
  }
  if (good.length > places) problems.push(words("tooManyFiles", { limit: places + already }));
  return { good: good.slice(0, Math.max(places, 0)), problems };
}

function fits(file, kind) {
  if (kind.endsWith("/*")) return file.type.startsWith(kind.slice(0, -1));
  return kind.startsWith(".") ? file.name.toLowerCase().endsWith(kind.toLowerCase()) : file.type === kind;
}

function preview(file, input) {
  const view = make("div", "upload");
  const picture = file.type.startsWith("image/") ? pictureOf(file) : make("span", "upload-name", file.name);
  const remove = make("button", "upload-remove", "×");
  remove.type = "button";
  remove.setAttribute("aria-label", words("remove", { name: file.name }));
  view.append(picture, remove);
  if (input.dataset.altName) {
    const description = make("input", "input");
    description.name = input.dataset.altName;
    description.maxLength = 300;
    description.placeholder = words("describe");
    description.setAttribute("aria-label", `${words("describe")}: ${file.name}`);
    view.append(description);
  }
  return view;
}

function pictureOf(file) {
  const picture = make("img", "upload-picture");
  picture.alt = "";
  picture.src = URL.createObjectURL(file);
  picture.addEventListener("load", () => URL.revokeObjectURL(picture.src), { once: true });
  return picture;
}

function make(tag, className, text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

// Progress of a form that sends files by htmx.
document.addEventListener("htmx:xhr:progress", (event) => {
  const form = event.target.closest?.("form");
  const box = form?.querySelector("[data-upload-box]");
  if (!box || !form.querySelector("input[type='file']")?.files.length || !event.detail.lengthComputable) return;
  let bar = box.querySelector("progress");
  if (!bar) {
    bar = make("progress", "progress");
    bar.max = 100;
    bar.setAttribute("aria-label", words("uploading"));
    box.append(bar);
  }
  bar.value = Math.round((event.detail.loaded / event.detail.total) * 100);
});

document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.target.closest?.("form");
  form?.querySelector("[data-upload-box] progress")?.remove();
});
