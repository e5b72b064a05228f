/** Starts the modules. Every page works without them. */
import { startCopying } from "./copy.js";
import { startDialogs } from "./dialogs.js";
import { startForms } from "./forms.js";
import { startKeys } from "./keys.js";
import { startLive } from "./live.js";
import { startMenu } from "./menu.js";
import { startPages } from "./page.js";
import { startSelection } from "./selection.js";
import { startTimes } from "./times.js";
import { startToasts } from "./toasts.js";
import { startTrees } from "./trees.js";

document.documentElement.classList.add("js");
startPages();
startTimes();
startToasts();
startCopying();
startTrees();
startForms();
startDialogs();
startSelection();
startMenu();
startKeys();
startLive();
document.documentElement.dataset.ready = "yes";
