package msrp

import "context"

// Close closes the port, all sessions and connections, and waits until they and their
// handlers have ended.
func (l *Listener) Close() error {
	l.mu.Lock()
	l.down = true
	first := !l.stopped
	l.stopped = true
	var sessions []*Session
	for s := range l.live {
		sessions = append(sessions, s)
	}
	var conns []*conn
	for c := range l.conns {
		conns = append(conns, c)
	}
	l.mu.Unlock()
	var err error
	if first {
		close(l.closed)
		err = l.nl.Close()
	}
	for _, c := range conns {
		c.close(ErrClosed)
	}
	for _, s := range sessions {
		s.Close()
	}
	for _, c := range conns {
		c.loops.Wait()
	}
	l.loops.Wait()
	l.workers.all.Wait()
	return err
}

// Shutdown accepts no more sessions, waits until the present sessions and their handlers
// have ended and everything is written, and closes the port. If ctx ends first, it closes
// at once and returns ctx's error.
func (l *Listener) Shutdown(ctx context.Context) error {
	l.mu.Lock()
	l.down = true
	l.mu.Unlock()
	var err error
	for err == nil {
		l.mu.Lock()
		left := len(l.live)
		for c := range l.conns {
			if c.isFinishing() {
				left++ // it has something to write yet
			}
		}
		changed := l.changed
		l.mu.Unlock()
		if left == 0 {
			break
		}
		select {
		case <-changed:
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	l.Close()
	return err
}

// unregister forgets a session that has ended.
func (l *Listener) unregister(s *Session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sessions[s.local.SessionID] == s {
		delete(l.sessions, s.local.SessionID)
	}
}

// dropSession forgets one whose handlers have returned, too.
func (l *Listener) dropSession(s *Session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.live, s)
	l.wakeWaiters()
}

func (l *Listener) dropConn(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, c)
	l.wakeWaiters()
}

func (l *Listener) wakeWaiters() {
	close(l.changed)
	l.changed = make(chan struct{})
}
