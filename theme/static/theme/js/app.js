// All of the page's behaviour; each module improves markup that already works without it.
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
import "./scrollers.js";
import "./weather.js";
