// Entry point of the scripts of every page; each module improves markup that works without it.
import "./session.js";
import "./menus.js";
import "./dialogs.js";
import "./times.js";
import "./toasts.js";
import "./forms.js";
import "./passwords.js";
import "./counters.js";
import "./drafts.js";
import "./uploads.js";
import "./scrollable-code.js";
import "./request-errors.js";
