// Entry point of the scripts of every page; each module improves markup that works without it.
import "./session.js";
import "./menus.js";
import "./dialogs.js";
import "./page-dialogs.js";
import "./times.js";
import "./toasts.js";
import "./forms.js";
import "./passwords.js";
import "./counters.js";
import "./drafts.js";
import "./uploads.js";
import "./scrollable-code.js";
import "./request-errors.js";
// After the modules that may choose another target of a response, or a field of it.
import "./focus.js";
import "./return-focus.js";
