// Show and hide for each password field.
import { each, words } from "./words.js";

each(".field-control > input[type='password']", (input) => {
  const toggle = document.createElement("button");
  toggle.type = "button";
  toggle.className = "password-toggle";
  input.classList.add("has-toggle");
  const show = (shown) => {
    input.type = shown ? "text" : "password";
    toggle.textContent = words(shown ? "hide" : "show");
    toggle.setAttribute("aria-label", words(shown ? "hidePassword" : "showPassword"));
  };
  toggle.addEventListener("click", () => show(input.type === "password"));
  input.form?.addEventListener("submit", () => show(false));
  input.after(toggle);
  show(false);
});
