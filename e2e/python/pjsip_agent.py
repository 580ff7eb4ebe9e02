"""An agent's telephone: an unmodified PJSIP (PyPI: pjsua2-python), as its one argument says, in JSON.

    {"address": "10.77.0.1", "server": "10.77.0.1:5060", "user": "bert", "password": "hush", "tone": "tone.wav",
     "heard": "heard.wav", "log": "pjsip.log"}

It registers, takes each call that rings, says the tone and records what it hears. What happens goes to stdout, one JSON object a line;
orders come on stdin, one a line: hold, resume, hang up, end.
"""

import json
import os
import select
import sys

import pjsip
import pjsua2 as pj


def tell(what, **more):
    print(json.dumps({"event": what, **more}), file=pjsip.OUTCOME, flush=True)


class AgentCall(pjsip.Call):
    """A call that rang."""

    def __init__(self, account, call_id, player, recorder):
        pj.Call.__init__(self, account, call_id)
        self.player, self.recorder = player, recorder
        self.states, self.media, self.answers = [], [], []

    def onCallState(self, prm):
        super().onCallState(prm)
        tell(self.states[-1]["state"], status=self.states[-1]["status"])

    def onCallMediaState(self, prm):
        super().onCallMediaState(prm)
        if self.media[-1] == "active":
            self.getAudioMedia(0).startTransmit(self.recorder)
        tell("media", state=self.media[-1])


class Account(pj.Account):
    """Takes every call."""

    def __init__(self, player, recorder):
        super().__init__()
        self.player, self.recorder, self.call = player, recorder, None

    def onRegState(self, prm):
        tell("registration", status=prm.code)

    def onIncomingCall(self, prm):
        self.call = AgentCall(self, prm.callId, self.player, self.recorder)
        for status in (180, 200):
            answer = pj.CallOpParam(True)
            answer.statusCode = status
            self.call.answer(answer)


def obey(order, call):
    if order == "hold":
        call.setHold(pj.CallOpParam(True))
    elif order == "resume":
        parameters = pj.CallOpParam(True)
        parameters.opt.flag = pj.PJSUA_CALL_UNHOLD
        call.reinvite(parameters)
    elif order == "hang up":
        call.hangup(pj.CallOpParam())
    else:
        raise ValueError(order)


def main():
    wanted = json.loads(sys.argv[1])
    endpoint = pjsip.start(wanted["address"], wanted["log"])
    config = pj.AccountConfig()
    config.idUri = f"sip:{wanted['user']}@{wanted['server']}"
    config.regConfig.registrarUri = f"sip:{wanted['server']}"
    config.regConfig.timeoutSec = 60
    config.sipConfig.authCreds.append(pj.AuthCredInfo("digest", "*", wanted["user"], 0, wanted["password"]))
    config.mediaConfig.transportConfig.boundAddress = wanted["address"]
    player, recorder = pj.AudioMediaPlayer(), pj.AudioMediaRecorder()
    player.createPlayer(wanted["tone"])
    recorder.createRecorder(wanted["heard"])
    account = Account(player, recorder)
    account.create(config)
    held = b""
    while True:
        endpoint.libHandleEvents(10)
        if not select.select([0], [], [], 0)[0]:
            continue
        some = os.read(0, 4096)
        held += some
        *orders, held = held.split(b"\n")
        for order in orders:
            if order != b"end":
                obey(order.decode(), account.call)
        if not some or b"end" in orders:
            break
    # The recorder writes its last samples when it is gone.
    account.recorder = recorder = None
    if account.call:
        account.call.recorder = None
    tell("end")
    # Its destructors run in no particular order, and some of them abort.
    os._exit(0)


if __name__ == "__main__":
    main()
