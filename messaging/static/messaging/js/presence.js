// Whether the other one of two is there, in the server's words.
import { on } from "../../core/js/tab.js";
import { part } from "./talk.js";

const place = part("presence");

function show({ member, online, words }) {
  if (Number(place?.dataset.member) !== member) return;
  place.textContent = words;
  place.classList.toggle("is-online", online);
}

on("messaging.presence", show);
on("heartbeat", ({ messaging }) => messaging?.presence && show(messaging.presence));
