// The pages of messages: the list of conversations, and the one that is open. Without scripts they work too.
import { on } from "../../core/js/tab.js";
import { start } from "./list.js";
import { me, talk } from "./talk.js";

if (document.querySelector("[data-inbox-list]")) start();
// Somebody else has signed in, in another tab: nothing here is for those eyes, and nothing is sent in their name.
on("hello", ({ member }) => member !== me && location.reload());
if (talk?.dataset.conversation) import("./conversation.js");
