// Code that is wider than the page can be scrolled by keyboard too.
import { each } from "./words.js";

each(".prose-post pre", (block) => {
  if (block.scrollWidth > block.clientWidth) block.tabIndex = 0;
});
