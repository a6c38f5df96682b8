package mscp

// ConnectionID is the id of the connection that a SIP dialog between AS and MS
// makes: the Call-ID, the From tag and the To tag of its INVITE, in this order.
// Both ends write the same id, whoever has sent the INVITE. See section 2.3.1.
func ConnectionID(callID, fromTag, toTag string) string {
	return callID + ";" + fromTag + ";" + toTag // [MSCP-2.3.1-1]
}
