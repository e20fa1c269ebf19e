// A button that shows and hides the password, for each password field.
import { setUpEach } from "./elements.js";
import { translate } from "./translations.js";

setUpEach(".field-control > input[type='password']", (input) => {
  const toggle = document.createElement("button");
  toggle.type = "button";
  toggle.className = "password-toggle";
  input.classList.add("has-toggle");
  const show = (shown) => {
    input.type = shown ? "text" : "password";
    toggle.textContent = translate(shown ? "hide" : "show");
    toggle.setAttribute("aria-label", translate(shown ? "hidePassword" : "showPassword"));
  };
  toggle.addEventListener("click", () => show(input.type === "password"));
  input.form?.addEventListener("submit", () => show(false));
  input.after(toggle);
  show(false);
});
