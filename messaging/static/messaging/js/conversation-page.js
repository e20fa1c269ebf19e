// The conversation that is open on this page: its element, its ids, its parts.

export const conversationElement = document.querySelector("[data-conversation-page]");
export const conversationId = Number(conversationElement?.dataset.conversation ?? 0);
export const memberId = Number(document.body.dataset.member ?? 0);

/** The part of the conversation with the attribute `data-<name>`. */
export const part = (name) => conversationElement?.querySelector(`[data-${name}]`) ?? null;

/** Whether the member looks at this page now. */
export const isInView = () => document.visibilityState === "visible" && document.hasFocus();
