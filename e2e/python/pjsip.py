"""One call of an unmodified PJSIP (PyPI: pjsua2-python), as its one argument says, in JSON; what happened goes to stdout.

    {"uri": "sip:+18005550100@127.0.0.1:5060", "require": ["timer", "100rel"], "tcp": false, "tone": "tone.wav",
     "steps": ["digits 1234", "update", "hold", "resume", "talk 2", "hang up"]}

After the last step the call is waited for until it is over.
"""

import json
import os
import sys
import time

import pjsua2 as pj

# The library talks on stdout; ours is for the outcome alone.
OUTCOME = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

PATIENCE_S = 25
MEDIA = {
    pj.PJSUA_CALL_MEDIA_NONE: "none",
    pj.PJSUA_CALL_MEDIA_ACTIVE: "active",
    pj.PJSUA_CALL_MEDIA_LOCAL_HOLD: "held by us",
    pj.PJSUA_CALL_MEDIA_REMOTE_HOLD: "held by them",
    pj.PJSUA_CALL_MEDIA_ERROR: "error",
}


class Call(pj.Call):
    """Remembers states, media states and the answers to what it asked."""

    def __init__(self, account, player):
        super().__init__(account)
        self.player = player
        self.states = []
        self.media = []
        self.answers = []

    def onCallState(self, prm):
        info = self.getInfo()
        self.states.append({"state": info.stateText, "status": info.lastStatusCode, "reason": info.lastReason})

    def onCallMediaState(self, prm):
        # The list is part of the information, and gone with it.
        info = self.getInfo()
        self.media.append(MEDIA[info.media[0].status] if len(info.media) else "none")
        if self.media[-1] == "active" and self.player:
            self.player.startTransmit(self.getAudioMedia(0))

    def onCallTsxState(self, prm):
        transaction = prm.e.body.tsxState.tsx
        if transaction.role == pj.PJSIP_ROLE_UAC and transaction.state == pj.PJSIP_TSX_STATE_COMPLETED:
            self.answers.append([transaction.method, transaction.statusCode])

    def is_in(self, state):
        return any(known["state"] == state for known in self.states)

    def count(self, method):
        return sum(1 for answer in self.answers if answer[0] == method)


def start(address, log, tcp=False):
    """A running endpoint of one transport on this address, which speaks PCMU alone and has no sound device."""
    endpoint = pj.Endpoint()
    endpoint.libCreate()
    config = pj.EpConfig()
    config.logConfig.level = 5
    config.logConfig.consoleLevel = 0
    config.logConfig.filename = log
    # Callbacks run in this thread alone.
    config.uaConfig.threadCnt = 0
    config.uaConfig.mainThreadOnly = True
    config.medConfig.clockRate = config.medConfig.sndClockRate = 8000
    config.medConfig.noVad = True
    config.medConfig.ecTailLen = 0
    endpoint.libInit(config)
    transport = pj.TransportConfig()
    transport.boundAddress = address
    endpoint.transportCreate(pj.PJSIP_TRANSPORT_TCP if tcp else pj.PJSIP_TRANSPORT_UDP, transport)
    endpoint.audDevManager().setNullDev()
    endpoint.libStart()
    for codec in endpoint.codecEnum2():
        if not codec.codecId.startswith("PCMU"):
            endpoint.codecSetPriority(codec.codecId, 0)
    return endpoint


def main():
    wanted = json.loads(sys.argv[1])
    endpoint = start("127.0.0.1", wanted["log"], wanted.get("tcp"))
    account = pj.AccountConfig()
    account.idUri = "sip:+12065550142@127.0.0.1"
    account.mediaConfig.transportConfig.boundAddress = "127.0.0.1"
    if "timer" in wanted.get("require", []):
        account.callConfig.timerUse = pj.PJSUA_SIP_TIMER_REQUIRED
        account.callConfig.timerSessExpiresSec = 90
        account.callConfig.timerMinSESec = 90
    if "100rel" in wanted.get("require", []):
        account.callConfig.prackUse = pj.PJSUA_100REL_MANDATORY
    caller = pj.Account()
    caller.create(account)
    player = None
    if wanted.get("tone"):
        player = pj.AudioMediaPlayer()
        player.createPlayer(wanted["tone"])

    def run(seconds, until=lambda: False):
        end = time.monotonic() + seconds
        while time.monotonic() < end and not until():
            endpoint.libHandleEvents(10)
        return until()

    uri = wanted["uri"] + (";transport=tcp" if wanted.get("tcp") else "")
    call = Call(caller, player)
    call.makeCall(uri, pj.CallOpParam(True))
    run(PATIENCE_S, lambda: call.is_in("CONFIRMED") or call.is_in("DISCONNECTED"))

    for step in wanted["steps"]:
        if not call.isActive():
            break
        name, _, value = step.partition(" ")
        if name == "digits":
            parameters = pj.CallSendDtmfParam()
            parameters.method = pj.PJSUA_DTMF_METHOD_SIP_INFO
            parameters.digits = value
            parameters.duration = 160
            call.sendDtmf(parameters)
            run(PATIENCE_S, lambda: call.count("INFO") >= len(value))
        elif name == "update":
            before = call.count("UPDATE")
            call.update(pj.CallOpParam(True))
            run(PATIENCE_S, lambda: call.count("UPDATE") > before)
        elif name == "hold":
            call.setHold(pj.CallOpParam(True))
            run(PATIENCE_S, lambda: call.media[-1:] == ["held by us"])
        elif name == "resume":
            parameters = pj.CallOpParam(True)
            parameters.opt.flag = pj.PJSUA_CALL_UNHOLD
            call.reinvite(parameters)
            run(PATIENCE_S, lambda: call.media[-1:] == ["active"])
        elif name == "talk":
            run(float(value), lambda: not call.isActive())
        elif step == "hang up":
            call.hangup(pj.CallOpParam())
        else:
            raise ValueError(step)
    run(PATIENCE_S, lambda: call.is_in("DISCONNECTED"))
    print(
        json.dumps({"states": call.states, "media": call.media, "answers": call.answers}), file=OUTCOME, flush=True
    )
    # Its destructors run in no particular order, and some of them abort.
    os._exit(0)


if __name__ == "__main__":
    main()
