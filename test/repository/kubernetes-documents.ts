import * as apps from 'kubernetes-models/apps/v1';
import * as autoscaling from 'kubernetes-models/autoscaling/v2';
import * as networking from 'kubernetes-models/networking.k8s.io/v1';
import * as policy from 'kubernetes-models/policy/v1';
import * as core from 'kubernetes-models/v1';
import { parseAllDocuments } from 'yaml';

/** A document as it lies in a file or comes out of kustomize. */
export interface KubernetesDocument {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec?: unknown;
}

type Model = new (data: never) => { validate(): void };

/** Every kind that deploy/kubernetes uses, with the schema that Kubernetes publishes for it. */
const MODELS: Readonly<Record<string, Model>> = {
  'v1 Namespace': core.Namespace,
  'v1 ConfigMap': core.ConfigMap,
  'v1 Service': core.Service,
  'apps/v1 StatefulSet': apps.StatefulSet,
  'apps/v1 Deployment': apps.Deployment,
  'autoscaling/v2 HorizontalPodAutoscaler': autoscaling.HorizontalPodAutoscaler,
  'networking.k8s.io/v1 NetworkPolicy': networking.NetworkPolicy,
  'policy/v1 PodDisruptionBudget': policy.PodDisruptionBudget,
};

export function parseKubernetes(text: string): KubernetesDocument[] {
  return parseAllDocuments(text, { merge: true }).map((document) => document.toJS() as KubernetesDocument);
}

/** What is wrong with a document by its schema; undefined when nothing is. */
export function schemaFault(document: KubernetesDocument): string | undefined {
  const kind = `${document.apiVersion} ${document.kind}`;
  const KnownModel = MODELS[kind];
  if (KnownModel === undefined) return `${kind} is not a kind that is known here`;
  try {
    new KnownModel(document as never).validate();
    return undefined;
  } catch (error) {
    return `${kind} ${document.metadata.name}: ${error instanceof Error ? error.message : String(error)}`;
  }
}
