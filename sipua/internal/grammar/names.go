package grammar

// KnownMethod reports whether an RFC defines the method.
func KnownMethod(method string) bool {
	switch method {
	case "INVITE", "ACK", "CANCEL", "BYE", "REGISTER", "OPTIONS", "SUBSCRIBE", "NOTIFY", "REFER", "INFO", "MESSAGE", "PRACK", "UPDATE", "PUBLISH":
		return true
	}
	return false
}

// ReasonPhrase is the usual phrase for a status code. See RFC 3261, section 21.
func ReasonPhrase(code int) string {
	if s, ok := phrases[code]; ok {
		return s
	}
	return map[int]string{
		1: "Progress", 2: "OK", 3: "Redirection", 4: "Request Failure", 5: "Server Failure", 6: "Global Failure",
	}[code/100]
}

var phrases = map[int]string{
	100: "Trying", 180: "Ringing", 183: "Session Progress", 200: "OK", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden",
	404: "Not Found", 405: "Method Not Allowed", 407: "Proxy Authentication Required", 408: "Request Timeout", 413: "Request Entity Too Large",
	414: "Request-URI Too Long", 415: "Unsupported Media Type", 416: "Unsupported URI Scheme", 420: "Bad Extension", 469: "Bad Info Package", 422: "Session Interval Too Small", 480: "Temporarily Unavailable", 481: "Call/Transaction Does Not Exist", 482: "Loop Detected",
	486: "Busy Here", 487: "Request Terminated", 488: "Not Acceptable Here", 491: "Request Pending", 504: "Server Time-out", 500: "Server Internal Error",
	501: "Not Implemented", 503: "Service Unavailable", 505: "Version Not Supported", 513: "Message Too Large", 600: "Busy Everywhere", 603: "Decline", 606: "Not Acceptable",
}
