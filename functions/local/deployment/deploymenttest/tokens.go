package deploymenttest

import (
	"fmt"
	"sync"
	"time"

	"github.com/arngate/arngate/shared/localgateway"
)

// signingKey is the key of all deployments of a run: making one takes longer than all else that a deployment needs. Deployments
// in one process have other URLs, or other tests.
var signingKey = sync.OnceValues(localgateway.NewKey)

// Token is [deployment.Deployment.Token], which is asked once for each text: claims of one second are signed to the same.
func (s *Stack) Token(claims map[string]any) (string, error) {
	of := fmt.Sprintf("%d %#v", time.Now().Unix(), claims)
	if token, ok := s.tokens.Load(of); ok {
		return fmt.Sprint(token), nil
	}
	token, err := s.Deployment.Token(claims)
	if err != nil {
		return "", err
	}
	s.tokens.Store(of, token)
	return token, nil
}
