// Package kube carries out the decisions of the control loop on Kubernetes.
//
// It is careful, because two controllers that write one field make both flap. An
// action goes through [Orchestrator.Scale] like this:
//
//  1. the target is found: named kinds as they are, "service" through the explicit
//     map and then by discovery (labels, name, the selector of a Service); two
//     candidates are an error that names them, never a guess;
//  2. a target that a HorizontalPodAutoscaler scales is refused with live.ErrOwned
//     (KEDA makes such objects, too), and so is one that Selector does not match;
//  3. replicas are written through the scale subresource only, so that GitOps tools
//     and field managers see who did it: Deployments and StatefulSets with the typed
//     client, any other kind that has the subresource with the dynamic one;
//  4. resources are written into the running pods where the server has pods/resize,
//     otherwise into the pod template, which rolls the workload;
//  5. every write carries the resource version that was read. On a conflict the
//     object is read again, and the write repeated only if the replicas are still
//     those that the decision was made from ([ErrChanged] otherwise);
//  6. an Event on the object says what was done and why.
//
// With Action.DryRun every write is a server-side dry run: admission and validation
// happen, nothing is stored, no Event is made.
//
// Resizing pods in place leaves the template as it is: pods that start later have
// the template's resources, and Current tells the largest of what runs. That is the
// price of not restarting; choose ResizeTemplate to pay the other one.
package kube
