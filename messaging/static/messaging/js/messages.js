// The pages of messages: the list of conversations, and the one that is open. Without scripts they work too.
import { socketEvents } from "../../core/js/socket.js";
import { start } from "./list.js";
import { memberId } from "./conversation-page.js";

if (document.querySelector("[data-inbox-list]")) start();
// Somebody else has signed in, in another tab: nothing here is for those eyes, and nothing is sent in their name.
socketEvents.on("hello", ({ member }) => member !== memberId && location.reload());
