// The events of the open conversation, between the modules of its page.
import { TypedEvents } from "../../core/js/typed-events.js";

/**
 * @typedef {object} ConversationEvents
 * @property {object} entry            an entry was applied (docs/realtime.md)
 * @property {object[]} shown          all entries that were applied together
 * @property {?Element} changed        this element of the log changed; null for many
 * @property {string} arrived          the server has the message with this client id
 * @property {object[]} cursors        how far the others have received and read: {member, delivered, read}
 * @property {undefined} answered      the server answered again after a failure
 * @property {undefined} gone          the member is not in the conversation any more
 * @property {undefined} signed-out    the session has ended
 * @property {undefined} sent          the member sent a message from this page
 * @property {object} write            put this message into the composer
 * @property {undefined} focus         put the cursor into the composer
 * @property {undefined} edit-last     edit the member's last message
 * @property {undefined} scrolled      the log was scrolled
 * @property {undefined} end           the newest entry is in view
 * @property {undefined} to-newest     the member asked for the newest entry
 * @property {undefined} shortened     the oldest entries were taken out of the page
 */

/** @type {TypedEvents<ConversationEvents>} */
export const conversationEvents = new TypedEvents();
