// What the till's pages run, in one file once it is collected (portal/storage.py).
import "./elements/key-pad.js";
import "./elements/net-lamp.js";
import "./elements/modal-sheet.js";
import "./elements/scan-card.js";
import "./elements/till-desk.js";
import "./elements/still-paired.js";
