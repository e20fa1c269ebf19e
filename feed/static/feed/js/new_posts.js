// "3 new posts": says that something came, and moves nothing until one asks for it.
import { send, socketEvents } from "../../core/js/socket.js";

const place = document.querySelector("[data-new-posts]");
const link = place?.querySelector("a");
const list = document.getElementById("posts");

if (link && list) {
  const newest = () => Math.max(0, ...[...list.querySelectorAll(":scope > .post-place > [id^='post-']")].map((post) => Number(post.id.slice(5)) || 0));
  const watch = () => send({ type: "feed.watch", newest: newest() });

  const show = (count) => {
    link.hidden = !count;
    link.textContent = count === 1 ? link.dataset.one : link.dataset.many.replace("{n}", count);
  };

  socketEvents.on("feed.new", (frame) => show(frame.count));
  socketEvents.on("heartbeat", (frame) => frame.feed && show(frame.feed.count));
  socketEvents.on("state", ({ state }) => state === "open" && watch());
  watch();

  // What one posts oneself, and what was fetched, is on the page from then on.
  document.addEventListener("htmx:afterSettle", (event) => {
    if (list.contains(event.target) || event.target === list) watch();
  });

  link.addEventListener("click", (event) => {
    if (!window.htmx || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    show(0);
    window.htmx.ajax("GET", link.href, { target: "#posts", swap: "innerHTML" }).then(() => {
      scrollTo({ top: 0 });
      const first = list.querySelector(":scope > .post-place > *");
      first?.setAttribute("tabindex", "-1");
      first?.focus({ preventScroll: true });
    });
  });
}
