import { describe } from 'node:test'
import { MemoryLimitStore } from './memory-store.ts'
import { storeContract } from './store.contract.ts'

describe('counters in memory', () => {
  storeContract(async () => {
    const store = new MemoryLimitStore()
    return [store, store, store]
  })
})
