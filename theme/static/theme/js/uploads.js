// <input type="file" data-uploads> in a data-upload-box: previews, descriptions, removal, checks and progress.
import { setUpEach } from "./elements.js";
import { translate } from "./translations.js";

setUpEach("input[data-uploads]", (input) => {
  const box = input.closest("[data-upload-box]") ?? input.parentElement;
  const list = createElement("div", "uploads");
  const errors = createElement("ul", "field-errors");
  errors.setAttribute("role", "alert");
  box.append(errors, list);
  let chosen = [];

  const updateInput = () => {
    const transfer = new DataTransfer();
    for (const item of chosen) transfer.items.add(item.file);
    input.files = transfer.files;
  };

  input.addEventListener("change", () => {
    const { accepted, problems } = checkFiles(input, input.multiple ? chosen.length : 0);
    errors.replaceChildren(...problems.map((text) => createElement("li", "", text)));
    if (!input.multiple) clear();
    for (const file of accepted) {
      const item = { file, view: createPreview(file, input) };
      item.view.querySelector("button").addEventListener("click", () => {
        chosen = chosen.filter((other) => other !== item);
        item.view.remove();
        updateInput();
        input.focus();
      });
      chosen.push(item);
      list.append(item.view);
    }
    updateInput();
  });

  const clear = () => {
    chosen = [];
    list.replaceChildren();
  };
  input.form?.addEventListener("reset", () => {
    clear();
    errors.replaceChildren();
  });
});

function checkFiles(input, chosenCount) {
  const maxBytes = Number(input.dataset.maxBytes) || Infinity;
  const maxFiles = input.multiple ? Number(input.dataset.maxFiles) || 9 : 1;
  const free = maxFiles - chosenCount;
  const types = input.accept.split(",").map((type) => type.trim()).filter(Boolean);
  const problems = [];
  const accepted = [];
  for (const file of input.files) {
    if (types.length && !types.some((type) => hasType(file, type))) problems.push(translate("wrongType", { name: file.name }));
    else if (file.size > maxBytes) {
      problems.push(translate("fileTooLarge", { name: file.name, limit: Math.floor(maxBytes / 1048576) }));
    } else accepted.push(file);
  }
  if (accepted.length > free) problems.push(translate("tooManyFiles", { limit: maxFiles }));
  return { accepted: accepted.slice(0, Math.max(free, 0)), problems };
}

function hasType(file, type) {
  if (type.endsWith("/*")) return file.type.startsWith(type.slice(0, -1));
  return type.startsWith(".") ? file.name.toLowerCase().endsWith(type.toLowerCase()) : file.type === type;
}

function createPreview(file, input) {
  const view = createElement("div", "upload");
  const picture = file.type.startsWith("image/") ? createThumbnail(file) : createElement("span", "upload-name", file.name);
  const remove = createElement("button", "upload-remove", "×");
  remove.type = "button";
  remove.setAttribute("aria-label", translate("remove", { name: file.name }));
  view.append(picture, remove);
  if (input.dataset.altName) {
    const description = createElement("input", "input");
    description.name = input.dataset.altName;
    description.maxLength = 300;
    description.placeholder = translate("describe");
    description.setAttribute("aria-label", `${translate("describe")}: ${file.name}`);
    view.append(description);
  }
  return view;
}

function createThumbnail(file) {
  const picture = createElement("img", "upload-picture");
  picture.alt = "";
  picture.src = URL.createObjectURL(file);
  picture.addEventListener("load", () => URL.revokeObjectURL(picture.src), { once: true });
  return picture;
}

function createElement(tag, className, text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

// The progress bar of a form that sends files by htmx.
document.addEventListener("htmx:xhr:progress", (event) => {
  const form = event.target.closest?.("form");
  const box = form?.querySelector("[data-upload-box]");
  if (!box || !form.querySelector("input[type='file']")?.files.length || !event.detail.lengthComputable) return;
  let bar = box.querySelector("progress");
  if (!bar) {
    bar = createElement("progress", "progress");
    bar.max = 100;
    bar.setAttribute("aria-label", translate("uploading"));
    box.append(bar);
  }
  bar.value = Math.round((event.detail.loaded / event.detail.total) * 100);
});

document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.target.closest?.("form");
  form?.querySelector("[data-upload-box] progress")?.remove();
});
