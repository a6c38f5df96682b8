package screen

import (
	"net"
	"strconv"
	"strings"
)

// AnswerAddr is where the answer to a datagram goes: the address that it came from and,
// unless the top Via has rport, the port in that Via. See RFC 3261, section 18.2.2, and RFC 3581.
func AnswerAddr(via string, source net.Addr) net.Addr {
	from, ok := source.(*net.UDPAddr)
	if !ok || strings.Contains(via, ";rport") {
		return source
	}
	_, sentBy, _ := strings.Cut(via, " ")
	sentBy, _, _ = strings.Cut(sentBy, ";")
	port := 5060
	if i := strings.LastIndexByte(sentBy, ':'); i > strings.LastIndexByte(sentBy, ']') {
		n, err := strconv.ParseUint(sentBy[i+1:], 10, 16)
		if err != nil || n == 0 {
			return source
		}
		port = int(n)
	}
	return &net.UDPAddr{IP: from.IP, Port: port, Zone: from.Zone}
}
