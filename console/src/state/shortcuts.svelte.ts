const KEY = 'tympan-shortcuts';

/** Whether single letters act; kept in this browser. */
class Shortcuts {
  isOn = $state(localStorage.getItem(KEY) !== 'off');
  isShown = $state(false);

  set(isOn: boolean): void {
    this.isOn = isOn;
    if (isOn) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, 'off');
  }
}

export const shortcuts = new Shortcuts();
