package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/arngate/arngate/shared/localaws"
)

// forContainers writes into the folder what runs and watches the functions in containers: FUNCTION.env with credentials
// of each function's role, calls.jsonl with a line per call, and, when all is there, ready.
func (s *server) forContainers(ctx context.Context) error {
	for _, function := range s.deployment.Template.Functions {
		keys, err := s.deployment.Credentials(function).Retrieve(ctx)
		if err != nil {
			return err
		}
		environment := fmt.Sprintf("AWS_ACCESS_KEY_ID=%s\nAWS_SECRET_ACCESS_KEY=%s\nAWS_SESSION_TOKEN=%s\n",
			keys.AccessKeyID, keys.SecretAccessKey, keys.SessionToken)
		if err := s.write(function.LogicalID+".env", environment); err != nil {
			return err
		}
	}
	if err := s.write("calls.jsonl", ""); err != nil {
		return err
	}
	var mu sync.Mutex
	s.aws.Subscribe(func(c localaws.Call) {
		mu.Lock()
		defer mu.Unlock()
		if err := s.append("calls.jsonl", c); err != nil {
			s.failed <- fmt.Errorf("write call: %w", err)
		}
	})
	return s.write("ready", "")
}

func (s *server) write(name, text string) error {
	return os.WriteFile(filepath.Join(s.containers, name), []byte(text), 0o600)
}

// seenCall is a line of calls.jsonl.
type seenCall struct {
	Service     string `json:"service"`
	Operation   string `json:"operation"`
	Action      string `json:"action"`
	Resource    string `json:"resource"`
	Principal   string `json:"principal"`
	SessionName string `json:"session_name"`
	Allowed     bool   `json:"allowed"`
	Status      int    `json:"status"`
	Code        string `json:"code"`
}

func (s *server) append(name string, c localaws.Call) error {
	line, err := json.Marshal(seenCall{
		Service: c.Service, Operation: c.Operation, Action: c.Action, Resource: c.Resource,
		Principal: c.Principal, SessionName: c.SessionName, Allowed: c.Allowed, Status: c.Status, Code: c.Code,
	})
	if err != nil {
		return err
	}
	file, err := os.OpenFile(filepath.Join(s.containers, name), os.O_APPEND|os.O_WRONLY, 0o600) //nolint:gosec // the folder is the user's own choice
	if err != nil {
		return err
	}
	_, err = file.Write(append(line, '\n'))
	if closing := file.Close(); err == nil {
		err = closing
	}
	return err
}
