// Pictures and files that are pasted or dropped; theme/js/uploads.js shows them as if they had been chosen.
import { attach, focus } from "./composer.js";
import { conversationElement, part } from "./conversation-page.js";

const form = part("send-form");

// Pictures to the pictures; everything else to the files, where a conversation takes them.
function take(files) {
  const name = (file) => (file.type.startsWith("image/") || !form.elements.files ? "pictures" : "files");
  attach(files.filter((file) => name(file) === "pictures"), "pictures");
  attach(files.filter((file) => name(file) === "files"), "files");
  focus();
}

const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");

/** Begins to listen. */
export function start() {
  if (!form) return;
  let inside = 0;
  const over = (change) => {
    inside = Math.max(0, change === 0 ? 0 : inside + change);
    conversationElement.toggleAttribute("data-dropping", inside > 0);
  };
  form.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    // Copied text often brings a picture of itself along.
    if (!files.length || event.clipboardData.getData("text/plain")) return;
    event.preventDefault();
    take(files);
  });
  // Beside the conversation too: the browser would leave the page and show the file.
  document.addEventListener("dragenter", (event) => hasFiles(event) && over(1));
  document.addEventListener("dragleave", (event) => hasFiles(event) && over(-1));
  document.addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
  document.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    over(0);
    if (!form.hidden) take([...event.dataTransfer.files]);
  });
}
