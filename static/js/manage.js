// What the owner's pages run, in one file once it is collected (portal/storage.py).
import "./app.js";
import "./elements/portal-keys.js";
import "./elements/live-part.js";
import "./elements/copy-field.js";
import "./elements/save-bar.js";
import "./elements/file-limit.js";
import "./elements/print-page.js";
