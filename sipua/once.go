package sipua

import "github.com/emiago/sipgo/sip"

// RespondOnce answers a request with a final response that is not sent again,
// without the retransmissions of a transaction: for challenges, and for refusals of
// those who need not be who their address says. An INVITE over UDP that is answered
// otherwise has its response sent eleven times. A request that is repeated is
// answered again. See RFC 3261, section 26.3.2.4.
func (ua *UA) RespondOnce(req *sip.Request, tx sip.ServerTransaction, res *sip.Response) {
	if !req.IsInvite() || req.Transport() != "UDP" { // nothing else is repeated by itself
		ua.send(tx, res)
		return
	}
	if err := ua.agent.TransportLayer().WriteMsg(res); err != nil { // [RFC3261-26.3.2.4]
		ua.log.Debug("SIP response not sent", "code", res.StatusCode, "err", err)
	}
	tx.Terminate()
}
