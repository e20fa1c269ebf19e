// Code blocks wider than the page: focusable, so that the keyboard can scroll them.
import { setUpEach } from "./elements.js";

setUpEach(".prose-post pre", (block) => {
  if (block.scrollWidth > block.clientWidth) block.tabIndex = 0;
});
