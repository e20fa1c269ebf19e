// Whether the other member of a direct conversation is online, in the server's words.
import { socketEvents } from "../../core/js/socket.js";
import { part } from "./conversation-page.js";

const status = part("presence");

function show({ member, online, words }) {
  if (Number(status?.dataset.member) !== member) return;
  status.textContent = words;
  status.classList.toggle("is-online", online);
}

socketEvents.on("messaging.presence", show);
socketEvents.on("heartbeat", ({ messaging }) => messaging?.presence && show(messaging.presence));
