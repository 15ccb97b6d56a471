// What the lock of the till runs, in one file once it is collected (portal/storage.py).
import "./elements/key-pad.js";
import "./elements/pin-dots.js";
import "./elements/person-name.js";
import "./elements/still-paired.js";
