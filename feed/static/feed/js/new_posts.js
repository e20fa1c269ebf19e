// The "3 new posts" button: it shows the number of new posts, and loads them only on click.
import { send, socketEvents } from "../../core/js/socket.js";

const container = document.querySelector("[data-new-posts]");
const link = container?.querySelector("a");
const list = document.getElementById("posts");

if (link && list) {
  const newest = () => Math.max(0, ...[...list.querySelectorAll(":scope > .post-in-list > [id^='post-']")].map((post) => Number(post.id.slice(5)) || 0));
  const subscribe = () => send({ type: "feed.watch", newest: newest() });

  const show = (count) => {
    link.hidden = !count;
    link.textContent = count === 1 ? link.dataset.one : link.dataset.many.replace("{n}", count);
  };

  socketEvents.on("feed.new", (frame) => show(frame.count));
  socketEvents.on("heartbeat", (frame) => frame.feed && show(frame.feed.count));
  socketEvents.on("state", ({ state }) => state === "open" && subscribe());
  subscribe();

  // The member's own new posts and loaded posts are on the page and no longer counted.
  document.addEventListener("htmx:afterSettle", (event) => {
    if (list.contains(event.target) || event.target === list) subscribe();
  });

  link.addEventListener("click", (event) => {
    if (!window.htmx || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    show(0);
    window.htmx.ajax("GET", link.href, { target: "#posts", swap: "innerHTML" }).then(() => {
      scrollTo({ top: 0 });
      const first = list.querySelector(":scope > .post-in-list > *");
      first?.setAttribute("tabindex", "-1");
      first?.focus({ preventScroll: true });
    });
  });
}
