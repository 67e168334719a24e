package outbox

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"slices"
	"time"
)

// queue is one queue. One that nobody created has SQS's defaults.
type queue struct {
	attributes map[string]string // as they were set, and what follows from them
	visibility time.Duration
	retention  time.Duration
	redrive    redrivePolicy
	messages   []*message
}

// redrivePolicy says where messages go that were received often enough; the zero value keeps them.
type redrivePolicy struct {
	deadLetters string // ARN
	maxReceives int
}

// message is one message in a queue.
type message struct {
	id, body, sender string
	sent             time.Time
	due              time.Time // from when on it may be received
	received         int
	first            time.Time // when it was received first
	receipt          string    // of the last receive
}

const (
	defaultVisibility = 30 * time.Second
	defaultRetention  = 4 * 24 * time.Hour
)

// queueNamed finds a queue, or makes it. Call it with the lock held.
func (b *Box) queueNamed(arn string) *queue {
	q := b.queues[arn]
	if q == nil {
		q = &queue{visibility: defaultVisibility, retention: defaultRetention}
		b.queues[arn] = q
	}
	return q
}

// put adds a message. Call it with the lock held.
func (b *Box) put(arn string, m *message) {
	q := b.queueNamed(arn)
	q.messages = append(q.messages, m)
	close(b.arrived)
	b.arrived = make(chan struct{})
}

// wanted is what one ReceiveMessage asks for.
type wanted struct {
	arn        string
	most       int
	visibility time.Duration // how long they are hidden from others; negative: as the queue says
	wait       time.Duration // for the first one
}

// receive takes messages that are due, and waits for one if there is none. It returns early when ctx ends.
func (b *Box) receive(ctx context.Context, w wanted) []message {
	end := b.now().Add(w.wait)
	for {
		b.mu.Lock()
		taken, next, arrived := b.take(w), b.nextDue(w.arn), b.arrived
		b.mu.Unlock()
		left := end.Sub(b.now())
		if len(taken) > 0 || left <= 0 {
			return taken
		}
		if !next.IsZero() {
			left = min(left, next.Sub(b.now()))
		}
		timer := time.NewTimer(left)
		select {
		case <-arrived:
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil
		}
		timer.Stop()
	}
}

// take takes what is due, and moves on what was received often enough.
func (b *Box) take(w wanted) []message {
	q, now := b.queueNamed(w.arn), b.now()
	q.messages = slices.DeleteFunc(q.messages, func(m *message) bool { return now.Sub(m.sent) > q.retention })
	hidden := w.visibility
	if hidden < 0 {
		hidden = q.visibility
	}
	var taken []message
	var dead []*message
	for _, m := range q.messages {
		if m.due.After(now) || len(taken) == w.most {
			continue
		}
		if q.redrive.maxReceives > 0 && m.received >= q.redrive.maxReceives {
			dead = append(dead, m)
			continue
		}
		if m.received++; m.received == 1 {
			m.first = now
		}
		m.due, m.receipt = now.Add(hidden), rand.Text()
		taken = append(taken, *m)
	}
	for _, m := range dead {
		q.messages = slices.DeleteFunc(q.messages, func(kept *message) bool { return kept == m })
		b.put(q.redrive.deadLetters, &message{id: m.id, body: m.body, sender: m.sender, sent: m.sent, due: now})
	}
	return taken
}

// nextDue is when the queue's next message may be received; zero if there is none.
func (b *Box) nextDue(arn string) time.Time {
	var next time.Time
	for _, m := range b.queueNamed(arn).messages {
		if next.IsZero() || m.due.Before(next) {
			next = m.due
		}
	}
	return next
}

// drop deletes the message that was received with the receipt. One that was received again since stays.
func (b *Box) drop(arn, receipt string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	q := b.queueNamed(arn)
	q.messages = slices.DeleteFunc(q.messages, func(m *message) bool { return m.receipt == receipt })
}

// depths count the messages that may be received, those that somebody has received, and those not yet due.
func (q *queue) depths(now time.Time) (visible, hidden, delayed int) {
	for _, m := range q.messages {
		switch {
		case !m.due.After(now):
			visible++
		case m.received > 0:
			hidden++
		default:
			delayed++
		}
	}
	return visible, hidden, delayed
}

// newMessageID is a UUID, as SQS's are.
func newMessageID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	text := hex.EncodeToString(b[:])
	return text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
}
