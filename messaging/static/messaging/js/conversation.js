// The open conversation: its parts begin in this order, those that show something first.
import { connectionState } from "../../core/js/socket.js";
import * as attach from "./attach.js";
import * as changes from "./changes.js";
import * as composer from "./composer.js";
import * as connection from "./connection.js";
import * as cursors from "./cursors.js";
import * as history from "./history.js";
import * as log from "./log.js";
import * as pending from "./pending.js";
import "./divider.js";
import "./head.js";
import "./presence.js";
import "./requests.js";
import * as scroll from "./scroll.js";
import { conversationElement } from "./conversation-page.js";

for (const part of [history, scroll, pending, composer, attach, changes, cursors, connection]) part.start();
log.start(connectionState());
conversationElement.dataset.ready = "";
